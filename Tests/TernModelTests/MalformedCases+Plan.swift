import TernModel
import TernWriter

extension MalformedCases {
    private static let first = 8192

    static let operations: [Malformed] = [
        .patched("kind 7", .operation(.unknownKind, operation: 0, field: .kind, value: 7), at: first, u32: 7),
        .patched("kind 0", .operation(.unknownKind, operation: 0, field: .kind, value: 0), at: first, u32: 0),
        .patched("unknown flag of a linear layer", .operation(.unknownFlag, operation: 2, field: .flags, value: 28), at: first + 2 * 192 + 4, u32: 28),
        .patched("two residuals", .operation(.unknownFlag, operation: 2, field: .flags, value: 6), at: first + 2 * 192 + 4, u32: 6),
        .patched("flag of patches", .operation(.unknownFlag, operation: 0, field: .flags, value: 1), at: first + 4, u32: 1),
        .patched("levels of patches", .operation(.unusedField, operation: 0, field: .levels, value: 127), at: first + 20, u32: 127),
        .patched("bias without its flag", .operation(.unusedField, operation: 4, field: .bias, value: 3), at: first + 4 * 192 + 96, u32: 3),
        .patched("scale of f32 weights", .operation(.unusedField, operation: 8, field: .scale, value: 2), at: first + 8 * 192 + 92, u32: 2),
        .patched("levels of f32 weights", .operation(.unusedField, operation: 8, field: .levels, value: 127), at: first + 8 * 192 + 20, u32: 127),
        .patched("residual region without its flag", .operation(.unusedField, operation: 4, field: .residual, value: 64), at: first + 4 * 192 + 72, u32: 64),
        .patched("parameter of a pool", .operation(.unusedField, operation: 7, field: .parameter, value: 1), at: first + 7 * 192 + 116, u32: 1),
        .patched("heads of a layer norm", .operation(.unusedField, operation: 3, field: .heads, value: 2), at: first + 3 * 192 + 104, u32: 2),
        .patched("zero rows", .operation(.dimension, operation: 7, field: .rows, value: 0), at: first + 7 * 192 + 8, u32: 0),
        .patched("2^32 - 1 columns", .operation(.dimension, operation: 7, field: .columns, value: 0xFFFF_FFFF), at: first + 7 * 192 + 12, u32: 0xFFFF_FFFF),
        .patched("patch of 3 in an image of 4", .operation(.dimension, operation: 0, field: .columns, value: 3), at: first + 12, u32: 3),
        .patched("patch of 0", .operation(.dimension, operation: 0, field: .columns, value: 0), at: first + 12, u32: 0),
        .patched("patch larger than the image", .operation(.dimension, operation: 0, field: .columns, value: 8), at: first + 12, u32: 8),
        .patched("other number of patches", .operation(.dimension, operation: 0, field: .rows, value: 5), at: first + 8, u32: 5),
        .patched("other patch depth", .operation(.dimension, operation: 0, field: .depth, value: 12), at: first + 16, u32: 12),
        .patched("more queries than tokens", .operation(.dimension, operation: 5, field: .depth, value: 6), at: first + 5 * 192 + 16, u32: 6),
        .patched("heads not a multiple", .operation(.dimension, operation: 5, field: .heads, value: 0), at: first + 5 * 192 + 104, u32: 0),
        .operation(5, "three heads on two", .operation(.dimension, operation: 5, field: .keyValueHeads, value: 2)) { $0.attention.heads = 3 },
        .operation(5, "more key heads than heads", .operation(.dimension, operation: 5, field: .keyValueHeads, value: 4)) {
            $0.attention.keyValueHeads = 4
        },
        .patched("columns that are not heads times width", .operation(.dimension, operation: 5, field: .columns, value: 12), at: first + 5 * 192 + 12, u32: 12),
        .operation(5, "more tokens than exact sums allow", .operation(.dimension, operation: 5, field: .rows, value: 65_537)) {
            $0.attention.tokens = 65_537
        },
        .drafted("s8 deeper than exact sums allow", .operation(.dimension, operation: 2, field: .depth, value: 65_540)) {
            $0.tensors[1] = try DraftTensor(
                name: "deep", codes: [Int8](repeating: 0, count: 65_540), rows: 1, columns: 65_540, as: .s8, recipe: .absmaxPerChannel)
            $0.operations[2].operation.linear.columns = 1
            $0.operations[2].operation.linear.depth = 65_540
        },
        .operation(5, "head wider than the kernels take", .operation(.dimension, operation: 5, field: .headWidth, value: 4_097)) {
            $0.attention.width = 4_097
        },
        .drafted("t2 deeper than exact sums allow", .operation(.dimension, operation: 2, field: .depth, value: 131_088)) {
            $0.tensors[1] = try DraftTensor(
                name: "deep", codes: [Int8](repeating: 0, count: 131_088), rows: 1, columns: 131_088, as: .t2, recipe: .absmean)
            $0.operations[2].operation.linear.columns = 1
            $0.operations[2].operation.linear.depth = 131_088
        },
        .drafted("t5 deeper than exact sums allow", .operation(.dimension, operation: 2, field: .depth, value: 131_076)) {
            $0.tensors[1] = try DraftTensor(
                name: "deep", codes: [Int8](repeating: 0, count: 131_076), rows: 1, columns: 131_076, as: .t5, recipe: .absmean)
            $0.operations[2].operation.linear.columns = 1
            $0.operations[2].operation.linear.depth = 131_076
        },
        .operation(2, "levels 128", .operation(.levels, operation: 2, field: .levels, value: 128)) { $0.linear.levels = 128 },
        .operation(4, "levels 0", .operation(.levels, operation: 4, field: .levels, value: 0)) { $0.linear.levels = 0 },
        .operation(4, "input stride below the row", .operation(.stride, operation: 4, field: .input, value: 7)) { $0.linear.input.stride = 7 },
        .operation(4, "output stride 0", .operation(.stride, operation: 4, field: .output, value: 0)) { $0.linear.output.stride = 0 },
        .operation(5, "keys without room for values", .operation(.stride, operation: 5, field: .secondInput, value: 15)) {
            $0.attention.keys.stride = 15
        },
        .operation(0, "image stride", .operation(.stride, operation: 0, field: .input, value: 5)) { $0.patches.image.stride = 5 },
        .operation(3, "epsilon 0", .operation(.parameter, operation: 3, field: .parameter, value: 0)) { $0.layerNorm.epsilon = 0 },
        .operation(3, "epsilon not a number", .operation(.parameter, operation: 3, field: .parameter, value: 0x7FC0_0000)) {
            $0.layerNorm.epsilon = Float(bitPattern: 0x7FC0_0000)
        },
        .operation(5, "factor infinite", .operation(.parameter, operation: 5, field: .parameter, value: 0x7F80_0000)) { $0.attention.factor = .infinity },
        .patched("reserved word of a region", .notZero(.operation(0), byteOffset: first + 39), at: first + 39, [1]),
        .patched("reserved tail of an operation", .notZero(.operation(8), byteOffset: first + 9 * 192 - 1), at: first + 9 * 192 - 1, [1]),
        .patched("line feed in an operation's name", .badText(.operation(0), byteOffset: first + 127), at: first + 127, [10]),
    ]

    static let arena: [Malformed] = [
        .drafted("arena of 0", .arena(.arenaByteCount, operation: nil, field: .kind, end: 0, limit: 1 << 30)) { $0.header.arenaByteCount = 0 },
        .drafted("arena of 1345", .arena(.arenaByteCount, operation: nil, field: .kind, end: 1345, limit: 1 << 30)) { $0.header.arenaByteCount = 1345 },
        .drafted("arena too small for the output", .arena(.outside, operation: nil, field: .output, end: 1288, limit: 1280)) {
            $0.header.arenaByteCount = 1280
        },
        .drafted("image outside the arena", .arena(.outside, operation: nil, field: .input, end: 1408, limit: 1344)) { $0.header.inputByteOffset = 1344 },
        .drafted("image not aligned", .arena(.alignment, operation: nil, field: .input, end: 4, limit: 64)) { $0.header.inputByteOffset = 4 },
        .drafted("output not aligned", .arena(.alignment, operation: nil, field: .output, end: 1284, limit: 64)) { $0.header.outputByteOffset = 1284 },
        .drafted("output end past 63 bits", .sizeOverflow(.header)) { $0.header.outputByteOffset = Int.max },
        .drafted("output never written", .arena(.unwritten, operation: nil, field: .output, end: 1288, limit: 1344)) { $0.operations.removeLast() },
        .drafted("no operations", .arena(.unwritten, operation: nil, field: .output, end: 1288, limit: 1344)) { $0.operations = [] },
        .drafted("class token never written", .arena(.unwritten, operation: 2, field: .input, end: 288, limit: 1344)) { $0.operations.remove(at: 1) },
        .operation(0, "patches of something else", .arena(.notTheImage, operation: 0, field: .input, end: 64, limit: 0)) {
            $0.patches.image.byteOffset = 64
        },
        .operation(3, "write past the arena", .arena(.outside, operation: 3, field: .output, end: 1360, limit: 1344)) {
            $0.layerNorm.output.byteOffset = 1200
        },
        .operation(3, "stride leads outside", .arena(.outside, operation: 3, field: .output, end: 16_352, limit: 1344)) {
            $0.layerNorm.output.stride = 1000
        },
        .operation(4, "read past the arena", .arena(.outside, operation: 4, field: .input, end: 1472, limit: 1344)) {
            $0.linear.input.byteOffset = 1312
        },
        .operation(4, "read end past 63 bits", .sizeOverflow(.operation(4))) { $0.linear.input.byteOffset = Int.max - 3 },
        .operation(4, "input not aligned", .arena(.alignment, operation: 4, field: .input, end: 322, limit: 4)) { $0.linear.input.byteOffset = 322 },
        .operation(4, "output over the input", .arena(.overlap, operation: 4, field: .input, end: 480, limit: 448)) { $0.linear.output.byteOffset = 448 },
        .operation(6, "output beside the residual", .arena(.overlap, operation: 6, field: .residual, end: 288, limit: 160)) {
            $0.linear.output.byteOffset = 160
        },
        .operation(3, "norm one row down", .arena(.overlap, operation: 3, field: .input, end: 288, limit: 160)) { $0.layerNorm.output.byteOffset = 160 },
        .operation(5, "attention over its queries", .arena(.overlap, operation: 5, field: .input, end: 928, limit: 512)) {
            $0.attention.output = $0.attention.queries
        },
        .operation(5, "attention over its values", .arena(.overlap, operation: 5, field: .secondInput, end: 992, limit: 576)) {
            $0.attention.output = Region(byteOffset: 576, stride: 24)
        },
    ]

    static let texts: [Malformed] = [
        .drafted("2 channels", .recipe(.dimension, value: 2)) {
            $0.header.channels = 2
            $0.recipe.channels = 2
            $0.recipe.scale = [1, 1]
            $0.recipe.offset = [0, 0]
        },
        .drafted("other channels than the header", .recipe(.dimension, value: 3)) {
            $0.recipe.channels = 3
            $0.recipe.scale = [1, 1, 1]
            $0.recipe.offset = [0, 0, 0]
        },
        .drafted("height 0", .recipe(.dimension, value: 0)) {
            $0.header.height = 0
            $0.recipe.height = 0
        },
        .drafted("other width than the header", .recipe(.dimension, value: 5)) { $0.recipe.width = 5 },
        .patched("crop 2", .recipe(.crop, value: 2), at: 12_288 + 28, u32: 2),
        .patched("filter 0", .recipe(.filter, value: 0), at: 12_288 + 32, u32: 0),
        .patched("intensity 2", .recipe(.intensity, value: 2), at: 12_288 + 36, u32: 2),
        .patched("window without intensity 1", .notZero(.recipe, byteOffset: 12_288 + 42), at: 12_288 + 36, u32: 0),
        .patched("window width 0", .recipe(.window, value: 0), at: 12_288 + 44, f32: 0),
        .patched("window centre not a number", .recipe(.window, value: 0x43C8_0000), at: 12_288 + 40, f32: .nan),
        .patched("scale infinite", .recipe(.scale, value: 0x7F80_0000), at: 12_288 + 48, f32: .infinity),
        .patched("offset not a number", .recipe(.scale, value: Float.nan.bitPattern), at: 12_288 + 64, f32: .nan),
        .patched("scale past the channels", .notZero(.recipe, byteOffset: 12_288 + 55), at: 12_288 + 55, [1]),
        .patched("recipe's reserved bytes", .notZero(.recipe, byteOffset: 12_288 + 255), at: 12_288 + 255, [1]),
        .patched("modality in Latin-1", .badText(.recipe, byteOffset: 12_288), at: 12_288, [0xE4]),
        .sectioned("labels cut in the head", .labels(.byteCount, label: nil, value: 63)) { $0[3].bytes.removeLast($0[3].bytes.count - 63) },
        .patched("one label more than there are", .labels(.byteCount, label: nil, value: 3), at: 16_384, u32: 3),
        .patched("activation 3", .labels(.activation, label: nil, value: 3), at: 16_384 + 4, u32: 3),
        .patched("temperature 0", .labels(.temperature, label: nil, value: 0), at: 16_384 + 8, f32: 0),
        .patched("temperature infinite", .labels(.temperature, label: nil, value: 0x7F80_0000), at: 16_384 + 8, f32: .infinity),
        .patched("flag of the labels", .labels(.flags, label: nil, value: 2), at: 16_384 + 12, u32: 2),
        .patched("flag of a label", .labels(.flags, label: 0, value: 8), at: 16_384 + 64 + 192, u32: 8),
        .drafted("label past the outputs", .labels(.outputIndex, label: 1, value: 2)) { $0.labels.labels[1].outputIndex = 2 },
        .drafted("threshold 1.5", .labels(.threshold, label: 1, value: 0x3FC0_0000)) { $0.labels.labels[1].threshold = 1.5 },
        .drafted("threshold not a number", .labels(.threshold, label: 1, value: Float.nan.bitPattern)) { $0.labels.labels[1].threshold = .nan },
        .drafted("calibrated without activation", .labels(.noScores, label: nil, value: 1)) { $0.labels.activation = .none },
        .drafted("threshold without activation", .labels(.noScores, label: 1, value: 0x3F00_0000)) {
            $0.labels.activation = .none
            $0.labels.isCalibrated = false
        },
        .drafted("label without a name", .labels(.emptyText, label: 0, value: 0)) { $0.labels.labels[0].name = "" },
        .drafted("code without a value", .labels(.emptyText, label: 1, value: 7)) { $0.labels.labels[1].code?.value = "" },
        .patched("code without its flag", .notZero(.label(1), byteOffset: 16_384 + 320 + 48), at: 16_384 + 320 + 192, u32: 5),
        .patched("threshold without its flag", .notZero(.label(1), byteOffset: 16_384 + 320 + 203), at: 16_384 + 320 + 192, u32: 3),
        .patched("reserved bytes of the labels", .notZero(.labelsHead, byteOffset: 16_384 + 63), at: 16_384 + 63, [1]),
        .patched("reserved bytes of a label", .notZero(.label(0), byteOffset: 16_384 + 64 + 255), at: 16_384 + 64 + 255, [1]),
        .drafted("card in Latin-1", .card(.notUTF8, byteOffset: 9)) { $0.card = Array("{\"name\":\"".utf8) + [0xE4, 0x22, 0x7D] },
        .drafted("card with a surrogate", .card(.notUTF8, byteOffset: 0)) { $0.card = [0xED, 0xA0, 0x80] },
        .drafted("card cut in a character", .card(.notUTF8, byteOffset: 8)) { $0.card = Array("12345678".utf8) + [0xF0, 0x9F, 0x98] },
        .drafted("card of 1 MiB and a byte", .card(.tooLong, byteOffset: 1 << 20)) { $0.card = [UInt8](repeating: 32, count: 1 << 20 + 1) },
        .drafted("no golden vector", .goldenVectors(.count, found: 0, expected: 64)) { $0.golden = [] },
        .drafted("65 golden vectors", .goldenVectors(.count, found: 65, expected: 64)) { $0.golden = [GoldenVector](repeating: $0.golden[0], count: 65) },
        .patched("golden input of other size", .goldenVectors(.inputCount, found: 15, expected: 16), at: 24_576 + 4, u32: 15),
        .patched("golden output of other size", .goldenVectors(.outputCount, found: 3, expected: 2), at: 24_576 + 8, u32: 3),
        .patched("reserved word of the golden vectors", .notZero(.golden, byteOffset: 24_576 + 12), at: 24_576 + 12, u32: 1),
        .sectioned("golden vectors cut", .goldenVectors(.byteCount, found: 87, expected: 88)) { $0[5].bytes.removeLast() },
        .sectioned("golden head cut", .goldenVectors(.byteCount, found: 15, expected: 16)) { $0[5].bytes.removeLast(73) },
        .drafted("golden output not a number", .goldenVectors(.notFinite, found: 17, expected: 18)) { $0.golden[0].output[1] = .nan },
        .patched("stored golden inputs called generated", .goldenVectors(.byteCount, found: 88, expected: 32), at: 10, [1, 0, 1]),
        .drafted("output of a generated golden input not a number", .goldenVectors(.notFinite, found: 3, expected: 4)) {
            $0.golden = [GoldenVector(seed: 1, output: [1, 2]), GoldenVector(seed: 2, output: [3, .infinity])]
        },
    ]
}
