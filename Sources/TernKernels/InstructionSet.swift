internal import CTernKernels

/// An instruction set a kernel table is built for.
public enum InstructionSet: UInt8, CaseIterable, Equatable, Sendable {
    case scalar = 0
    case avx2 = 1
    case avx512vnni = 2
    case avxvnni = 3
    case avx512vbmi = 4
    case neon = 5
    case neondot = 6
    case neoni8mm = 7

    /// The name as in `TERN_ISA`, for example `avx512vnni`.
    public var name: String {
        switch self {
        case .scalar: "scalar"
        case .avx2: "avx2"
        case .avx512vnni: "avx512vnni"
        case .avxvnni: "avxvnni"
        case .avx512vbmi: "avx512vbmi"
        case .neon: "neon"
        case .neondot: "neondot"
        case .neoni8mm: "neoni8mm"
        }
    }

    /// The set with this name, or nil when no table has it.
    public init?(name: String) {
        // Bytes, not characters: comparing strings needs the Unicode tables that the device build leaves out.
        for candidate in Self.allCases where candidate.name.utf8.elementsEqual(name.utf8) {
            self = candidate
            return
        }
        return nil
    }

    /// True when this CPU and its operating system can run the table.
    public var isAvailable: Bool {
        // SAFETY: the result is compared, never dereferenced.
        unsafe tern_kernels_for(tern_isa(rawValue: UInt32(rawValue))) != nil
    }

    /// Every set, those of one architecture from the slowest to the fastest.
    private static let bySpeed: [InstructionSet] = [.scalar, .avx2, .avxvnni, .avx512vnni, .avx512vbmi, .neon, .neondot, .neoni8mm]

    /// The sets that can run here, slowest first. Never empty: `scalar` needs nothing.
    public static var available: [InstructionSet] { bySpeed.filter { $0.isAvailable } }

    /// The fastest set that can run here.
    public static var best: InstructionSet { available.last ?? .scalar }
}
