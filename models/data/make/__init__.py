"""Makes the committed arrays from programs and packages that anyone can install; needed only to make them anew."""
