"""Operations of steps: delays, loops, constants of single steps."""
