"""HTTP/1.1 on sockets, for WSGI applications: what stands between a client and a face.

It is our own because of what it costs. A request stays in the thread that has seen it come, is
parsed in a few steps, and its answer leaves in one piece. `crew` says how threads take turns,
`heads` and `bodies` what is taken for a request, `answers` how an application is asked; a
`connection` puts these together.
"""
