"""What stands behind the Search & Map tab: questions, answers, views, maps laid out anew."""
