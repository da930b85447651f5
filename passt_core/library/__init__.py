"""A folder of sounds in, a library that is searched by ear out."""
