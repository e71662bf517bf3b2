/* The one function of bcryptprimitives.dll that Rust's standard library calls, for a Wine that has no such library (8.0 has
 * none). It lies beside the programs under test alone; Windows brings its own. */
#include <windows.h>

/* RtlGenRandom, by the name it is exported with. */
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    while (length > 0) {
        ULONG some = length > 0x10000000 ? 0x10000000 : (ULONG)length;
        if (!SystemFunction036(data, some))
            return FALSE;
        data += some;
        length -= some;
    }
    return TRUE;
}
