/// An instruction set a kernel table is built for; raw values are the names of `TERN_ISA`.
public enum InstructionSet: UInt8, CaseIterable, Equatable, Sendable {
    case scalar = 0
    case avx2 = 1
    case avx512vnni = 2
}
