"""What was found, as the pages of a code host and its pipelines read it: SARIF and JUnit."""
