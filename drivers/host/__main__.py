"""The child process: started by ``yibao_face.drivers.host.process``, never by hand."""

from yibao_face.drivers.host.child import main

main()
