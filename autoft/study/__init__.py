"""Study: one search, its configuration, its trials and its workers; joins what lies below."""
