@_exported import Glibc

// Darwin's RUSAGE_SELF and the parameter are one type; Glibc's are two.
public func getrusage(_ who: __rusage_who, _ usage: UnsafeMutablePointer<rusage>!) -> Int32 { fatalError() }
