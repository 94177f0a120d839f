"""The small languages in values of annotations: nginx's directives, variables and times, expressions, ciphers."""
