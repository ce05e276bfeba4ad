// SPDX-License-Identifier: Apache-2.0
// A program without takt: start files, and what every program has.
int main() { return 0; }
