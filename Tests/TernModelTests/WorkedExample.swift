import TernModel
import TernPlatform
import TernWriter

/// The file of the worked hex dump in Models/FORMAT.md: one ternary linear layer over an image of 1 x 1 x 4, signed with the first test key of
/// RFC 8032 (section 7.1, TEST 1), which everybody knows and nobody trusts.
enum WorkedExample {
    static let seed = Hexadecimal.bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60") ?? []

    static func bytes() throws -> [UInt8] {
        var bytes = try ModelWriter.bytes(of: draft())
        try ModelWriter.sign(&bytes, secretKey: try Ed25519.fromSeed(seed).secretKey)
        return bytes
    }

    static func draft() throws -> ModelDraft {
        ModelDraft(
            header: ModelHeader(
                name: "worked example", version: "1", arenaByteCount: 128, inputByteOffset: 0, outputByteOffset: 64, outputCount: 2,
                channels: 1, height: 1, width: 4),
            tensors: [
                try DraftTensor(name: "weight", codes: [1, 0, -1, 1, -1, 1, 1, 0], rows: 2, columns: 4, as: .t2, recipe: .absmean),
                DraftTensor(name: "scale", values: [0.5], dimensions: [1]),
                DraftTensor(name: "bias", values: [0.25, -1], dimensions: [2]),
            ],
            operations: [
                NamedOperation(
                    name: "head",
                    operation: .linear(
                        .init(
                            rows: 1, columns: 2, depth: 4, levels: 127, input: Region(byteOffset: 0, stride: 4),
                            output: Region(byteOffset: 64, stride: 2), weights: 0, scale: 1, bias: 2, gelu: false, residual: .none)))
            ],
            recipe: InputRecipe(
                modality: "DX", channels: 1, height: 1, width: 4, crop: .stretch, filter: .bilinear, intensity: .fileWindow,
                scale: [0.0078125], offset: [-1]),
            labels: Labels(
                activation: .softmax, temperature: 1, isCalibrated: false,
                labels: [
                    Label(
                        name: "pneumonia", outputIndex: 1, isReported: true,
                        code: Code(scheme: "SCT", value: "233604007", meaning: "Pneumonia"), threshold: 0.5, operatingPoint: "default")
                ]),
            card: Array("{\"name\": \"worked example\"}".utf8),
            golden: [golden])
    }

    /// N-02 and N-03 by hand: 1 is the largest, so the codes are 127, 64 (63.5 to even), -32 (-31.75), 0; the sums 127 + 32 = 159 and
    /// -127 + 64 - 32 = -95.
    private static var golden: GoldenVector {
        let factor: Float = (1 / 127) * 0.5
        return GoldenVector(
            input: [1, 0.5, -0.25, 0],
            output: [(0.25 as Float).addingProduct(159, factor), (-1 as Float).addingProduct(-95, factor)])
    }

    /// What the dump says beside its lines, by file offset of the line.
    static let comments: [Int: String] = [
        0x0000: "magic; major 1, minor 0; no required features",
        0x0010: "file byte count; arena byte count 128",
        0x0020: "7 sections, 3 tensors, 1 operation, 2 outputs",
        0x0030: "1 channel, height 1, width 4; zero",
        0x0040: "input at arena offset 0, output at 64",
        0x0050: "model name",
        0x0090: "model version",
        0x0100: "section 1, tensor table; flags 1; at 0x1000",
        0x0110: "384 bytes; BLAKE2b-256",
        0x0140: "section 2, plan; at 0x2000",
        0x0180: "section 3, input recipe; at 0x3000",
        0x01c0: "section 4, labels; at 0x4000",
        0x0200: "section 5, model card; at 0x5000",
        0x0240: "section 6, golden vectors; at 0x6000",
        0x0280: "section 7, weights; at 0x7000",
        0x0f00: "identity: BLAKE2b-256 of bytes 0 ..< 0xf00",
        0x0f20: "signature kind 1, Ed25519",
        0x0f40: "public key",
        0x0f60: "signature",
        0x1000: "tensor 0: name",
        0x1030: "t2, rank 2, panel64x4, absmean; zero; dimensions 2,",
        0x1040: "4, 1, 1; weights offset 0",
        0x1050: "256 bytes",
        0x1080: "tensor 1: name",
        0x10b0: "f32, rank 1, row-major, no recipe; dimensions 1,",
        0x10c0: "1, 1, 1; weights offset 256",
        0x10d0: "4 bytes",
        0x1100: "tensor 2: name",
        0x1130: "f32, rank 1; dimensions 2,",
        0x1140: "1, 1, 1; weights offset 320",
        0x1150: "8 bytes",
        0x2000: "linear; flags 8 (bias); M 1, N 2,",
        0x2010: "K 4; levels 127; input at arena offset 0,",
        0x2020: "stride 4",
        0x2030: "output",
        0x2040: "at 64, stride 2",
        0x2050: "no residual; weights: tensor 0, scale: tensor 1,",
        0x2060: "bias: tensor 2",
        0x2070: "operation name from 0x2078",
        0x3000: "modality",
        0x3010: "1 channel, 1 x 4; crop 0, stretch",
        0x3020: "filter 2, bilinear; intensity 0, the file's window",
        0x3030: "a = 0.0078125",
        0x3040: "b = -1",
        0x4000: "1 label; softmax; temperature 1; not calibrated",
        0x4040: "label name",
        0x4070: "code scheme",
        0x4080: "code value",
        0x40a0: "code meaning",
        0x4100: "reported, coded, with threshold; output 1; 0.5; operating point",
        0x5000: "model card",
        0x6000: "1 vector, 4 inputs, 2 outputs",
        0x6010: "input 1, 0.5, -0.25, 0",
        0x6020: "expected output",
        0x7000: "tensor 0, channels 0 and 1: codes of K 0 ... 3, then three groups of padding",
        0x7010: "channels past N: padding",
        0x7100: "tensor 1: scale 0.5",
        0x7140: "tensor 2: bias 0.25, -1",
    ]

    /// Lines as `hexdump -C` writes them, then two spaces and a comment after `;`. `*` stands for lines like the one before.
    static func dump(_ bytes: [UInt8]) -> String {
        var text = ""
        var previous: ArraySlice<UInt8>?
        var isStarred = false
        for start in stride(from: 0, to: bytes.count, by: 16) {
            let line = bytes[start..<min(start + 16, bytes.count)]
            if let previous, previous.elementsEqual(line), comments[start] == nil {
                if !isStarred { text += "*\n" }
                isStarred = true
                continue
            }
            (previous, isStarred) = (line, false)
            var row = digits(start, 8) + " "
            for (index, byte) in line.enumerated() { row += (index == 8 ? "  " : " ") + digits(Int(byte), 2) }
            if let comment = comments[start] {
                row += String(repeating: " ", count: 60 - row.count) + "; " + comment
            }
            text += row + "\n"
        }
        return text + digits(bytes.count, 8) + "\n"
    }

    /// The bytes of such a dump: the inverse of `dump`, for any text that a person might have edited.
    static func parse(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var previous: [UInt8] = []
        var isStarred = false
        for line in text.split(separator: "\n") {
            if line == "*" {
                isStarred = true
                continue
            }
            let fields = line.prefix { $0 != ";" }.split(separator: " ")
            guard let first = fields.first, let offset = Int(first, radix: 16) else { return nil }
            if isStarred { while bytes.count < offset { bytes += previous } }
            guard bytes.count == offset else { return nil }
            previous = fields.dropFirst().compactMap { UInt8($0, radix: 16) }
            guard previous.count == fields.count - 1 else { return nil }
            bytes += previous
            isStarred = false
        }
        return bytes
    }

    private static func digits(_ value: Int, _ count: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: count - text.count) + text
    }
}
