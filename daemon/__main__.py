"""``python -m yibao_face.daemon`` is the command ``yibao-face``."""

from yibao_face.daemon.cli.main import main

raise SystemExit(main())
