import TernModel
import TernPlatform
import TernWriter

/// One file or more for every fault that an error can name, in the order of the rules. Offsets into the sample model: tensor records at 4096,
/// operations at 8192, recipe at 12,288, labels at 16,384, card at 20,480, golden vectors at 24,576, weights at 28,672,
/// and where it has them operating points at 32,768, feature statistics at 36,864, a quality gate at 40,960 a score reference at
/// 45,056 and reading rules at 49,152.
enum MalformedCases {
    static let all = header + sections + signatures + tensors + contents + halves + operations + arena + references + texts + limits + points + statistics
        + quality + scores + reading

    private static func tensorRecord(_ index: Int) -> Int { 4096 + 128 * index }

    static let header: [Malformed] = [
        Malformed("text file", .notAModelFile) { Array("This is not a model.\n".utf8) },
        Malformed("magic through a text mode copy", .notAModelFile) {
            [0x89, 0x54, 0x45, 0x52, 0x4E, 0x0A, 0x1A, 0x01] + Array(try SampleModel.bytes()[9...])
        },
        Malformed("half a magic", .notAModelFile) { Array(ModelFormat.magic[..<4]) },
        .patched("major version 2", .unsupportedVersion(major: 2, minor: 0), at: 8, [2]),
        .patched("major version 0", .unsupportedVersion(major: 0, minor: 0), at: 8, [0]),
        .patched("required feature", .unknownFeatures(bits: 0x8000_0000), at: 12, u32: 0x8000_0000),
        .patched("known and unknown required features", .unknownFeatures(bits: 4), at: 10, [2, 0, 7]),
        .patched("generated golden inputs in 1.0", .unknownFeatures(bits: 1), at: 12, u32: 1),
        .patched("binary16 in 1.1", .unknownFeatures(bits: 2), at: 10, [1, 0, 3]),
        Malformed("one byte too many", .byteCountMismatch(declared: 30_080, actual: 30_081)) { try SampleModel.bytes() + [0] },
        Malformed("header cut off", .byteCountMismatch(declared: 4096, actual: 4095)) { Array(try SampleModel.bytes()[..<4095]) },
        .patched("reserved word of the header", .notZero(.header, byteOffset: 61), at: 61, [1]),
        .patched("reserved bytes after the version", .notZero(.header, byteOffset: 255), at: 255, [1]),
        .patched("reserved bytes before the identity", .notZero(.header, byteOffset: 3839), at: 3839, [1]),
        .patched("reserved bytes after the signature kind", .notZero(.header, byteOffset: 3903), at: 3903, [1]),
        .patched("last byte of the header", .notZero(.header, byteOffset: 4095), at: 4095, [1]),
        .patched("section record past the count", .notZero(.section(record: 15), byteOffset: 1279), at: 1279, [1]),
        .patched("reserved bytes of a section record", .notZero(.section(record: 0), byteOffset: 312), at: 312, [1]),
        .patched("control character in the name", .badText(.header, byteOffset: 80), at: 80, [7]),
        .patched("bytes after the name's zero", .badText(.header, byteOffset: 143), at: 143, [65]),
        .patched("no model name", .badText(.header, byteOffset: 80), at: 80, [UInt8](repeating: 0, count: 64)),
        .patched("version without a zero", .badText(.header, byteOffset: 176), at: 144, [UInt8](repeating: 65, count: 32)),
        .patched("arena byte count past 63 bits", .sizeOverflow(.header), at: 24, little(1 << 63, 8)),
        .patched("image of 3 x 2^32 x 2^32", .recipe(.dimension, value: 1), at: 48, little(3, 4) + [UInt8](repeating: 255, count: 8)),
        Malformed("identity of another file", .identityMismatch) {
            var bytes = try SampleModel.bytes()
            bytes[3840] ^= 1
            return bytes
        },
    ]

    static let sections: [Malformed] = [
        .sectioned("unknown kind with flag 1", .sectionTable(.unknownRequired, record: 7, kind: 8)) {
            $0.append(DraftSection(kind: 8, flags: 1, bytes: [1]))
        },
        .sectioned("kind 0", .sectionTable(.unknownRequired, record: 0, kind: 0)) { $0[0].kind = 0 },
        .sectioned("known kind without flag 1", .sectionTable(.unknownFlag, record: 1, kind: 2)) { $0[1].flags = 0 },
        .sectioned("unknown flag", .sectionTable(.unknownFlag, record: 6, kind: 7)) { $0[6].flags = 3 },
        .sectioned("no card", .sectionTable(.missing, record: 4, kind: 5)) { $0.remove(at: 4) },
        .sectioned("no weights", .sectionTable(.missing, record: 6, kind: 7)) { $0.removeLast() },
        .sectioned("no sections", .sectionTable(.missing, record: 0, kind: 1)) { $0 = [] },
        .sectioned("plan twice", .sectionTable(.repeated, record: 2, kind: 2)) { $0.insert($0[1], at: 2) },
        .sectioned("tensors after the plan", .sectionTable(.order, record: 2, kind: 1)) { $0.insert($0[0], at: 2) },
        .patched("section moved on", .sectionTable(.offset, record: 1, kind: 2), at: 320 + 8, little(12_288, 8)),
        .patched("section over the header", .sectionTable(.offset, record: 0, kind: 1), at: 256 + 8, little(0, 8)),
        .patched("section past the end", .sectionTable(.outsideFile, record: 6, kind: 7), at: 640 + 16, little(1 << 20, 8)),
        .patched("section offset past 63 bits", .sizeOverflow(.section(record: 0)), at: 256 + 8, little(1 << 63, 8)),
        .patched("section end past 63 bits", .sizeOverflow(.section(record: 6)), at: 640 + 16, little((1 << 63) - 1, 8)),
        .patched("padding after the card", .sectionTable(.padding, record: 4, kind: 5), at: 24_575, [1]),
        Malformed("zeros after the weights", .sectionTable(.trailingBytes, record: 6, kind: 7)) {
            patch(try SampleModel.bytes() + [0, 0], at: 0, [])
        },
        .sectioned("tensor table too long", .sectionTable(.byteCount, record: 0, kind: 1)) { $0[0].bytes += [0] },
        .sectioned("plan too short", .sectionTable(.byteCount, record: 1, kind: 2)) { $0[1].bytes.removeLast(192) },
        .sectioned("recipe too long", .sectionTable(.byteCount, record: 2, kind: 3)) { $0[2].bytes += [0] },
        Malformed("weights changed", .sectionDigest(kind: 7)) {
            var bytes = try SampleModel.bytes()
            bytes[28_672] ^= 1
            return bytes
        },
        Malformed("plan changed, content not verified", .sectionDigest(kind: 2), options: .init(verifiesContent: false, allowsUnsigned: true)) {
            var bytes = try SampleModel.bytes()
            bytes[8192 + 120] ^= 1
            return bytes
        },
    ]

    static let signatures: [Malformed] = [
        .patched("signature kind 2", .signature(.unknownKind), at: 3872, u32: 2),
        .patched("unsigned with a key", .signature(.unsignedWithBytes), at: 3904, [1]),
        .patched("unsigned with a signature", .signature(.unsignedWithBytes), at: 3999, [1]),
        Malformed("changed after signing", .signature(.doesNotVerify)) {
            var bytes = try SampleModel.bytes()
            try ModelWriter.sign(&bytes, secretKey: try Ed25519.fromSeed(WorkedExample.seed).secretKey)
            return patch(bytes, at: 80, [83])
        },
        Malformed("not signed", .signature(.unsignedNotAllowed), options: .init()) { try SampleModel.bytes() },
        Malformed(
            "not signed, keys wanted", .signature(.unsignedNotAllowed),
            options: .init(allowsUnsigned: true, trustedKeys: [[UInt8](repeating: 1, count: 32)])
        ) { try SampleModel.bytes() },
        Malformed(
            "signed by a stranger", .signature(.untrustedKey), options: .init(trustedKeys: [[UInt8](repeating: 1, count: 32)])
        ) {
            var bytes = try SampleModel.bytes()
            try ModelWriter.sign(&bytes, secretKey: try Ed25519.fromSeed(WorkedExample.seed).secretKey)
            return bytes
        },
    ]

    static let tensors: [Malformed] = [
        .patched("element type 5", .tensorRecord(.elementType, tensor: 0, value: 5), at: tensorRecord(0) + 48, [5]),
        .patched("element type 0", .tensorRecord(.elementType, tensor: 3, value: 0), at: tensorRecord(3) + 48, [0]),
        .patched("rank 0", .tensorRecord(.rank, tensor: 0, value: 0), at: tensorRecord(0) + 49, [0]),
        .patched("rank 5", .tensorRecord(.rank, tensor: 0, value: 5), at: tensorRecord(0) + 49, [5]),
        .patched("packing 2", .tensorRecord(.packing, tensor: 1, value: 2), at: tensorRecord(1) + 50, [2]),
        .patched("recipe 4", .tensorRecord(.recipe, tensor: 1, value: 4), at: tensorRecord(1) + 51, [4]),
        .patched("dimension 0", .tensorRecord(.dimension, tensor: 0, value: 0), at: tensorRecord(0) + 56, u32: 0),
        .patched("dimension 2^20 + 1", .tensorRecord(.dimension, tensor: 0, value: 1_048_577), at: tensorRecord(0) + 60, u32: 1_048_577),
        .patched("dimension past the rank", .tensorRecord(.dimension, tensor: 2, value: 2), at: tensorRecord(2) + 60, u32: 2),
        .patched("f32 in panels", .tensorRecord(.combination, tensor: 0, value: 1), at: tensorRecord(0) + 50, [1]),
        .patched("s8 in rows", .tensorRecord(.combination, tensor: 1, value: 2), at: tensorRecord(1) + 50, [0]),
        .patched("s8 with a ternary recipe", .tensorRecord(.combination, tensor: 1, value: 2), at: tensorRecord(1) + 51, [2]),
        .patched("t2 of rank 3", .tensorRecord(.combination, tensor: 7, value: 3), at: tensorRecord(7) + 49, [3]),
        .patched("t5 without a recipe", .tensorRecord(.combination, tensor: 9, value: 4), at: tensorRecord(9) + 51, [0]),
        .patched("reserved word", .notZero(.tensor(1), byteOffset: tensorRecord(1) + 55), at: tensorRecord(1) + 55, [1]),
        .patched("reserved tail", .notZero(.tensor(11), byteOffset: tensorRecord(12) - 1), at: tensorRecord(12) - 1, [1]),
        .patched("name without a zero", .badText(.tensor(0), byteOffset: tensorRecord(0) + 48), at: tensorRecord(0), [UInt8](repeating: 97, count: 48)),
        .patched("no tensor name", .badText(.tensor(0), byteOffset: tensorRecord(0)), at: tensorRecord(0), [0, 0, 0]),
        .drafted("2^80 values", .sizeOverflow(.tensor(0))) { $0.tensors[0].dimensions = [1 << 20, 1 << 20, 1 << 20, 1 << 20] },
        .patched("offset past 63 bits", .sizeOverflow(.tensor(1)), at: tensorRecord(1) + 72, little(1 << 63, 8)),
        .patched("first tensor not at 0", .tensorPlacement(.offset, tensor: 0, declared: 64, expected: 0), at: tensorRecord(0) + 72, [64]),
        .patched("overlapping tensors", .tensorPlacement(.offset, tensor: 1, declared: 0, expected: 64), at: tensorRecord(1) + 72, [0]),
        .patched("hole between tensors", .tensorPlacement(.offset, tensor: 1, declared: 128, expected: 64), at: tensorRecord(1) + 72, [128]),
        .patched("byte count one off", .tensorPlacement(.byteCount, tensor: 0, declared: 33, expected: 32), at: tensorRecord(0) + 80, [33]),
        .patched(
            "declared larger than the file", .tensorPlacement(.sectionEnd, tensor: 0, declared: 1408, expected: 1 << 32), at: tensorRecord(0) + 56,
            little(1 << 20, 4) + little(1 << 10, 4) + little(1, 4) + little(1, 4) + little(0, 8) + little(1 << 32, 8)),
        .patched("padding between tensors", .tensorPlacement(.padding, tensor: 1, declared: 63, expected: 0), at: 28_672 + 63, [1]),
        .sectioned("bytes after the last tensor", .tensorPlacement(.sectionEnd, tensor: 11, declared: 1409, expected: 1408)) { $0[6].bytes += [0] },
        .drafted("two tensors of one name", .duplicateName(first: 3, second: 6)) { $0.tensors[6].name = $0.tensors[3].name },
    ]

    static let contents: [Malformed] = [
        .drafted("infinity", .notFinite(tensor: 4, valueIndex: 31)) { $0.tensors[4].bytes.replaceSubrange(124..., with: [0, 0, 0x80, 0x7F]) },
        .drafted("not a number", .notFinite(tensor: 0, valueIndex: 0)) { $0.tensors[0].bytes.replaceSubrange(0..<4, with: [1, 0, 0xC0, 0xFF]) },
        .drafted("s8 code -128", .badWeight(tensor: 1, byteIndex: 5)) { $0.tensors[1].bytes[5] = 0x80 },
        .drafted("s8 padding", .badWeight(tensor: 1, byteIndex: 255)) { $0.tensors[1].bytes[255] = 1 },
        .drafted("t2 code 3", .badWeight(tensor: 7, byteIndex: 0)) { $0.tensors[7].bytes[0] = 0xD5 },
        .drafted("t2 channel padding", .badWeight(tensor: 7, byteIndex: 96)) { $0.tensors[7].bytes[96] = 0x56 },
        .drafted("t2 depth padding", .badWeight(tensor: 7, byteIndex: 3)) { $0.tensors[7].bytes[3] = $0.tensors[7].bytes[3] & 0x3F },
        .drafted("t5 byte of no digits", .badWeight(tensor: 9, byteIndex: 2)) { $0.tensors[9].bytes[2] = 1 },
        .drafted("t5 channel padding", .badWeight(tensor: 9, byteIndex: 200)) { $0.tensors[9].bytes[200] = 0 },
        .drafted("scale 0", .scaleNotPositive(tensor: 8, valueIndex: 0)) { $0.tensors[8].bytes = [0, 0, 0, 0] },
        .drafted("scale -0.01", .scaleNotPositive(tensor: 2, valueIndex: 7)) { $0.tensors[2].bytes[31] |= 0x80 },
    ]

    /// Tensors of binary16.
    static let halves: [Malformed] = [
        Malformed("f16 without its feature", .tensorRecord(.elementType, tensor: 0, value: 5)) {
            patch(try ModelWriter.uncheckedBytes(of: SampleModel.halfDraft()), at: 12, [0])
        },
        .half("element type 6", .tensorRecord(.elementType, tensor: 1, value: 6)) { $0 = patch($0, at: tensorRecord(1) + 48, [6]) },
        .half("f16 in panels", .tensorRecord(.combination, tensor: 0, value: 5)) { $0 = patch($0, at: tensorRecord(0) + 50, [1]) },
        .half("f16 with a recipe", .tensorRecord(.combination, tensor: 0, value: 5)) { $0 = patch($0, at: tensorRecord(0) + 51, [1]) },
        .half("f16 with the bytes of f32", .tensorPlacement(.byteCount, tensor: 0, declared: 32, expected: 16)) {
            $0 = patch($0, at: tensorRecord(0) + 80, [32])
        },
        .half("f16 infinity", .notFinite(tensor: 0, valueIndex: 7)) { $0 = patch($0, at: 28_672 + 14, [0x00, 0xFC]) },
        .half("f16 not a number", .notFinite(tensor: 0, valueIndex: 0)) { $0 = patch($0, at: 28_672, [0x01, 0x7C]) },
        .narrowed(1, "f16 fill of other shape", .tensorReference(.shape, operation: 1, field: .weights, tensor: 4), tensor: 4) {
            $0 = .fill(.init(rows: 1, columns: 8, tensor: 4, output: Region(byteOffset: 128, stride: 8)))
        },
        .operation(1, "fill of packed weights", .tensorReference(.elementType, operation: 1, field: .weights, tensor: 9)) {
            $0 = .fill(.init(rows: 8, columns: 8, tensor: 9, output: Region(byteOffset: 128, stride: 8)))
        },
        .narrowed(2, "residual in f16", .tensorReference(.elementType, operation: 2, field: .residualTensor, tensor: 4), tensor: 4),
        .narrowed(2, "bias in f16", .tensorReference(.elementType, operation: 2, field: .bias, tensor: 3), tensor: 3),
        .narrowed(2, "scale in f16", .tensorReference(.elementType, operation: 2, field: .scale, tensor: 2), tensor: 2),
        .narrowed(3, "norm weight in f16", .tensorReference(.elementType, operation: 3, field: .weights, tensor: 5), tensor: 5),
        .narrowed(8, "weights in f16", .tensorReference(.elementType, operation: 8, field: .weights, tensor: 11), tensor: 11),
    ]

    static let references: [Malformed] = [
        .operation(1, "tensor past the table", .tensorReference(.missing, operation: 1, field: .weights, tensor: 12)) {
            $0 = .fill(.init(rows: 1, columns: 8, tensor: 12, output: Region(byteOffset: 128, stride: 8)))
        },
        .operation(2, "scale past the table", .tensorReference(.missing, operation: 2, field: .scale, tensor: 99)) { $0.linear.scale = 99 },
        .operation(2, "weights of other depth", .tensorReference(.shape, operation: 2, field: .weights, tensor: 7)) { $0.linear.weights = 7 },
        .operation(2, "scale of other length", .tensorReference(.shape, operation: 2, field: .scale, tensor: 4)) { $0.linear.scale = 4 },
        .operation(2, "bias of other shape", .tensorReference(.shape, operation: 2, field: .bias, tensor: 0)) { $0.linear.bias = 0 },
        .operation(2, "residual of other shape", .tensorReference(.shape, operation: 2, field: .residualTensor, tensor: 0)) {
            $0.linear.residual = .tensor(0)
        },
        .operation(6, "packed residual", .tensorReference(.elementType, operation: 6, field: .residualTensor, tensor: 9)) {
            $0.linear.rows = 8
            $0.linear.residual = .tensor(9)
        },
        .operation(3, "norm weight of other shape", .tensorReference(.shape, operation: 3, field: .weights, tensor: 4)) { $0.layerNorm.gamma = 4 },
        .operation(3, "norm bias past the table", .tensorReference(.missing, operation: 3, field: .bias, tensor: 4000)) { $0.layerNorm.beta = 4000 },
    ]

    static let limits: [Malformed] = [
        .patched("17 sections", .limitExceeded(.sections, declared: 17, limit: 16), at: 32, u32: 17),
        .patched("2^32 - 1 tensors", .limitExceeded(.tensors, declared: 0xFFFF_FFFF, limit: 4096), at: 36, u32: 0xFFFF_FFFF),
        .patched("4097 operations", .limitExceeded(.operations, declared: 4097, limit: 4096), at: 40, u32: 4097),
        .patched("no outputs", .limitExceeded(.outputs, declared: 0, limit: 65_536), at: 44, u32: 0),
        .patched("65,537 outputs", .limitExceeded(.outputs, declared: 65_537, limit: 65_536), at: 44, u32: 65_537),
        .patched("arena of 1 GiB and a line", .limitExceeded(.arenaByteCount, declared: (1 << 30) + 64, limit: 1 << 30), at: 24, little((1 << 30) + 64, 8)),
        .patched("2^32 - 1 labels", .limitExceeded(.labels, declared: 0xFFFF_FFFF, limit: 256), at: 16_384, u32: 0xFFFF_FFFF),
        .drafted("scattered writes", .limitExceeded(.scatteredRows, declared: 4097, limit: 4096)) {
            $0.header.arenaByteCount = 1 << 20
            $0.tensors.append(DraftTensor(name: "comb", values: [Float](repeating: 0, count: 5000), dimensions: [5000, 1]))
            $0.operations[1].operation = .fill(.init(rows: 5000, columns: 1, tensor: 12, output: Region(byteOffset: 128, stride: 2)))
        },
    ]
}
