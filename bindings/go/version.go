package recsys

/*
#include "glue.h"
*/
import "C"

import "fmt"

// Version returns the version of the library that is loaded.
func Version() string { return C.GoString(C.recsys_version_string()) }

// fits says whether a library works for a program that was compiled with these headers.
func fits(library, headers uint32) bool {
	sameMajor := library>>16 == headers>>16
	sameMinor := library>>8 == headers>>8
	return library >= headers && sameMajor && (headers>>16 > 0 || sameMinor)
}

func init() {
	if library := uint32(C.recsys_version_number()); !fits(library, C.RECSYS_VERSION_NUMBER) {
		panic(fmt.Sprintf("recsys: compiled for version %s of librecsys, but %s is loaded; "+
			"build again, or let LD_LIBRARY_PATH name the right one", C.RECSYS_VERSION_STRING, Version()))
	}
}
