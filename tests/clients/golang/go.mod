module llmtop-test-client

go 1.18
