"""One job, from the plan to what GIMP places."""
