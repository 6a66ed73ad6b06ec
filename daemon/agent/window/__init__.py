"""The process of the windows as the agent sees it: kept alive, told and heard."""
