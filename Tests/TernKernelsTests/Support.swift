import CTernKernels
import Glibc
import TernKernels
import VNNIEmulation

/// SplitMix64 (Steele et al. 2014): the same numbers for the same seed everywhere.
struct Generator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
    /// Uniform in -1 ..< 1.
    mutating func unit() -> Float { Float(Int32(truncatingIfNeeded: next() >> 40) - (1 << 23)) / Float(1 << 23) }
}

/// The tables this machine can run, scalar first, and those whose missing instructions the tests emulate.
@safe struct Table: CustomStringConvertible, @unchecked Sendable {
    let instructionSet: InstructionSet
    let functions: tern_kernels
    var isEmulated = false
    var description: String { instructionSet.name + (isEmulated ? " (emulated)" : "") }

    /// Those of this CPU.
    static let native: [Table] = InstructionSet.available.compactMap { candidate in
        guard let table = unsafe tern_kernels_for(tern_isa(rawValue: UInt32(candidate.rawValue))) else { return nil }
        return unsafe Table(instructionSet: candidate, functions: table.pointee)
    }
    /// Those of other CPUs, by emulation: every instruction that traps takes microseconds.
    static let emulated: [Table] = InstructionSet.allCases.compactMap { candidate in
        guard !candidate.isAvailable, let table = unsafe tern_kernels_to_emulate(tern_isa(rawValue: UInt32(candidate.rawValue))),
            tern_emulate_vnni() != 0
        else { return nil }
        return unsafe Table(instructionSet: candidate, functions: table.pointee, isEmulated: true)
    }
    static let all: [Table] = native + emulated
    static var vector: [Table] { all.filter { $0.instructionSet != .scalar } }
    static let scalar = native[0]
}

/// Elements that end where an inaccessible page begins and start after one when they fill whole pages; a read or write past the end is a
/// fault.
@safe final class Guarded<Element: BitwiseCopyable> {
    let pointer: UnsafeMutablePointer<Element>
    let count: Int
    private let mapping: UnsafeMutableRawPointer
    private let mappedByteCount: Int

    init(_ values: [Element]) {
        let page = 4096
        let byteCount = values.count * MemoryLayout<Element>.stride
        let pages = (byteCount + page - 1) / page
        mappedByteCount = (pages + 2) * page
        count = values.count
        unsafe mapping = mmap(nil, mappedByteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        precondition(unsafe mapping != MAP_FAILED)
        unsafe mprotect(mapping, page, PROT_NONE)
        unsafe mprotect(mapping + (pages + 1) * page, page, PROT_NONE)
        let start = unsafe mapping + (pages + 1) * page - byteCount
        unsafe pointer = start.bindMemory(to: Element.self, capacity: max(values.count, 1))
        unsafe values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { unsafe pointer.update(from: base, count: source.count) }
        }
    }

    deinit { unsafe munmap(mapping, mappedByteCount) }

    var values: [Element] { unsafe Array(UnsafeBufferPointer(start: pointer, count: count)) }
}

/// Scratch as the tables are promised it: 64-byte aligned, exactly the bytes they ask for, filled with rubbish.
func makeScratch(_ byteCount: Int) -> Guarded<UInt8> {
    precondition(byteCount > 0 && byteCount % 64 == 0)
    return Guarded([UInt8](repeating: 0xa5, count: byteCount))
}

/// The values as their bits, so that comparisons tell -0 from +0 and one NaN from another.
func bits(_ values: [Float]) -> [UInt32] { values.map { $0.bitPattern } }

/// A matrix [rows, columns] laid out with a stride; what lies between the rows is `between`.
func strided(_ values: [Float], rows: Int, columns: Int, stride: Int, between: Float = .nan) -> [Float] {
    var result = [Float](repeating: between, count: (rows - 1) * stride + columns)
    for row in 0..<rows {
        for column in 0..<columns { result[row * stride + column] = values[row * columns + column] }
    }
    return result
}

/// Packs weights [rows][columns] as Models/FORMAT.md section 2 says; -1, 0 and +1 for the ternary kinds.
func pack(_ weights: [Int8], rows: Int, columns: Int, _ kind: WeightsKind) -> [UInt8] {
    let groupsPerBlock = kind == .s8 ? 1 : kind == .t2 ? 4 : 5
    let blocks = (columns + 4 * groupsPerBlock - 1) / (4 * groupsPerBlock)
    var packed = [UInt8]()
    packed.reserveCapacity((rows + 63) / 64 * blocks * 256)
    for panel in 0..<(rows + 63) / 64 {
        for block in 0..<blocks {
            for p in 0..<256 {
                func weight(_ group: Int) -> Int {
                    let n = panel * 64 + p / 4, k = (block * groupsPerBlock + group) * 4 + p % 4
                    return n < rows && k < columns ? Int(weights[n * columns + k]) : 0
                }
                switch kind {
                case .s8: packed.append(UInt8(bitPattern: Int8(weight(0))))
                case .t2: packed.append(UInt8((weight(0) + 1) + (weight(1) + 1) * 4 + (weight(2) + 1) * 16 + (weight(3) + 1) * 64))
                default:
                    let v = (((weight(0) * 3 + weight(1)) * 3 + weight(2)) * 3 + weight(3)) * 3 + weight(4) + 121
                    packed.append(UInt8((256 * v + 242) / 243))
                }
            }
        }
    }
    return packed
}

extension [UInt8] {
    /// The bytes as the kernels take them.
    var raw: RawSpan {
        @_lifetime(borrow self) get {
            // SAFETY: every byte of a UInt8 is initialised.
            unsafe span.bytes
        }
    }
}
