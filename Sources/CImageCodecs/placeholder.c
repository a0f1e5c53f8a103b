int ci_placeholder(void); int ci_placeholder(void) { return 0; }
