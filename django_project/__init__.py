"""Django itself: settings, URLs, and the two applications that the functions run."""
