"""All that the Ingress objects of one host say together: whose a path is, how it is read, TLS, canaries."""
