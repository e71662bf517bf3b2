/* Does to every process of a program what Windows does to it when its console closes, the user signs off or the machine is shut
 * down: console_event PROGRAM.exe EVENT MILLISECONDS
 * EVENT is one of CTRL_CLOSE_EVENT (2), CTRL_LOGOFF_EVENT (5) and CTRL_SHUTDOWN_EVENT (6), which GenerateConsoleCtrlEvent refuses.
 * Windows starts a thread in the process at kernelbase's CtrlRoutine with the event, and ends the process once its time is over
 * (HungAppTimeout, 5 s, by default). Prints how that went. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlhelp32.h>

static int tell(DWORD id, DWORD event, DWORD milliseconds)
{
    LPTHREAD_START_ROUTINE routine =
        (LPTHREAD_START_ROUTINE)(void *)GetProcAddress(GetModuleHandleA("kernelbase.dll"), "CtrlRoutine");
    HANDLE process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, id);
    DWORD begun = GetTickCount(), code = 0;

    if (!routine || !process || !CreateRemoteThread(process, NULL, 0, routine, (void *)(DWORD_PTR)event, 0, NULL)) {
        printf("not told: error %lu\n", GetLastError());
        return 1;
    }
    if (WaitForSingleObject(process, milliseconds) != WAIT_OBJECT_0) {
        TerminateProcess(process, 0xC000013A); /* STATUS_CONTROL_C_EXIT */
        printf("ended by force after %lu ms\n", GetTickCount() - begun);
        return 1;
    }
    GetExitCodeProcess(process, &code);
    printf("ended by itself with %lu after %lu ms\n", code, GetTickCount() - begun);
    return code != 0;
}

int main(int count, char **words)
{
    PROCESSENTRY32 entry = { .dwSize = sizeof entry };
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    int told = 0, failed = 0;

    if (count != 4)
        return 2;
    if (Process32First(all, &entry)) {
        do {
            if (strcmp(entry.szExeFile, words[1]) == 0) {
                failed |= tell(entry.th32ProcessID, (DWORD)atoi(words[2]), (DWORD)atoi(words[3]));
                told++;
            }
        } while (Process32Next(all, &entry));
    }
    return told == 1 && !failed ? 0 : 1;
}
