# How programs are built that are only looked at, by build and parity alike: whether they run is the question here, and the gate
# waits for them. Sourced.
# shellcheck shell=bash
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=false
