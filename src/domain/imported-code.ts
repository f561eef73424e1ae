export const CODE_LENGTH_MAX = 128;
