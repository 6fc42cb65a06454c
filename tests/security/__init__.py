"""Whether what we say of safety is so: measures of the host, backups, proxies."""
