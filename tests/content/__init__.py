"""Documents, their errors and issues, the shipped content and its dates."""
