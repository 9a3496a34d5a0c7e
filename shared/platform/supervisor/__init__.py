"""Runs processes as children: starts them in order, restarts one that dies, stops them in order."""
