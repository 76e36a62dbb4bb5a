"""What a service is configured with: values, texts, structures; no SCM needed."""
