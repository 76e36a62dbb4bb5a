/* The launcher that the panda3d wheel leaves out: all of python.exe. */

#include <wchar.h>

__declspec(dllimport) int Py_Main(int argc, wchar_t **argv);

/* Without this mingw's start-up code would expand wildcards in argv. */
int _dowildcard = 0;

int
wmain(int argc, wchar_t **argv)
{
    return Py_Main(argc, argv);
}
