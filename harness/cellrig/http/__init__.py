"""REST faces over the services: thin, they translate and decide nothing.

A face is a table of routes (`cellrig.http.routes`). Each route gets a `Call`, which is one request
whose token, microversion, query and body have been checked, and returns an `Answer`. Only
`cellrig.http.application` knows the WSGI framework.

Services never import this package.
"""
