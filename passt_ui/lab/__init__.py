"""What stands behind the Lab tab: the labelled sounds, the visit, figures, views and handlers."""
