"""CMSF's network: encoders, fusion, and their published weights."""
