"""The small inpainting checkpoint that ships with the project, and how it is made."""
