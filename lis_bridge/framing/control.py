"""The control characters of the link protocols (ANSI X3.4), as bytes and as the numbers that indexing gives."""

SOH, STX, ETX, EOT, ENQ, ACK = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05", b"\x06"
LF, VT, CR, NAK, ETB, FS = b"\x0a", b"\x0b", b"\x0d", b"\x15", b"\x17", b"\x1c"

STX_CODE, ETX_CODE, EOT_CODE, ENQ_CODE = STX[0], ETX[0], EOT[0], ENQ[0]
LF_CODE, CR_CODE, ETB_CODE = LF[0], CR[0], ETB[0]
