"""The counter scenes as pure folds over the events of the record log."""
