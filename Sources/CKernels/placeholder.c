int ck_placeholder(void); int ck_placeholder(void) { return 0; }
