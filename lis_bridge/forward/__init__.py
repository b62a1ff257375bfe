"""What the LIS hears and answers: ORU^R01 messages, MLLP, acknowledgements. No database, no queue."""
