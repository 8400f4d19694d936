import TernModel
import TernWriter

/// Files that break a rule of the sections operating points (at 32,768; points of 128 bytes from 32,832) and feature statistics (at 36,864).
extension MalformedCases {
    private static let point = 32_832
    private static let statistic = 36_864

    static let points: [Malformed] = [
        .resectioned("operating points that must be read", .sectionTable(.unknownFlag, record: 7, kind: 8)) { $0[7].flags = 1 },
        .resectioned("statistics before the points", .sectionTable(.order, record: 8, kind: 8)) { $0.swapAt(7, 8) },
        .resectioned("points twice", .sectionTable(.repeated, record: 8, kind: 8)) { $0[8] = $0[7] },
        Malformed("points changed, content not verified", .sectionDigest(kind: 8), options: .init(verifiesContent: false, allowsUnsigned: true)) {
            var bytes = try ModelWriter.uncheckedBytes(of: SampleModel.measuredDraft())
            bytes[point] ^= 1
            return bytes
        },
        .resectioned("head of the points cut off", .operatingPoints(.byteCount, point: nil, value: 63)) { $0[7].bytes.removeLast(448 - 63) },
        .resectioned("half a point", .operatingPoints(.byteCount, point: nil, value: 3)) { $0[7].bytes.removeLast(64) },
        .measured("2^32 - 1 points", .operatingPoints(.byteCount, point: nil, value: .max), at: 32_768, [255, 255, 255, 255]),
        .resectioned("no points", .operatingPoints(.byteCount, point: nil, value: 0)) {
            $0[7].bytes = [0, 0, 0, 0] + $0[7].bytes[4..<64]
        },
        .measured("reserved bytes of the points' head", .notZero(.operatingPoints, byteOffset: 32_783), at: 32_783, [1]),
        .measured("no word for what it was measured on", .badText(.operatingPoints, byteOffset: 32_784), at: 32_784, [UInt8](repeating: 0, count: 32)),
        .measured("reserved tail of the points' head", .notZero(.operatingPoints, byteOffset: 32_831), at: 32_831, [1]),
        .measured("point without a name", .badText(.operatingPoint(0), byteOffset: point), at: point, [UInt8](repeating: 0, count: 32)),
        .measured("reserved tail of a point", .notZero(.operatingPoint(2), byteOffset: point + 383), at: point + 383, [1]),
        .measured("point of label 2 of 2", .operatingPoints(.label, point: 0, value: 2), at: point + 32, [2]),
        .measured("point of a label without a threshold", .operatingPoints(.label, point: 0, value: 0), at: point + 32, [0]),
        .measured("threshold above 1", .operatingPoints(.threshold, point: 2, value: Float(1).nextUp.bitPattern), at: point + 292, f32: Float(1).nextUp),
        .measured("threshold not a number", .operatingPoints(.threshold, point: 0, value: Float.nan.bitPattern), at: point + 36, f32: .nan),
        .measured("sensitivity below its interval", .operatingPoints(.share, point: 0, value: Float(0.8).bitPattern), at: point + 40, f32: 0.8),
        .measured("specificity above its interval", .operatingPoints(.share, point: 1, value: Float(0.9).bitPattern), at: point + 180, f32: 0.9),
        .measured("interval below 0", .operatingPoints(.share, point: 0, value: Float(0.875).bitPattern), at: point + 44, f32: -0.1),
        .measured("interval above 1", .operatingPoints(.share, point: 2, value: Float(0.875).bitPattern), at: point + 316, f32: 1.1),
        .measured("interval not a number", .operatingPoints(.share, point: 0, value: Float(0.875).bitPattern), at: point + 48, f32: .nan),
        .measured("no positive cases", .operatingPoints(.cases, point: 0, value: 0), at: point + 64, [0, 0, 0, 0]),
        .measured("no negative cases", .operatingPoints(.cases, point: 1, value: 0), at: point + 196, [0, 0, 0, 0]),
        .measured("thresholds that descend", .operatingPoints(.order, point: 1, value: Float(0.125).bitPattern), at: point + 164, f32: 0.125),
        .remeasured("labels that descend", .operatingPoints(.order, point: 3, value: 0)) {
            $0.labels.labels[0].threshold = 0.5
            guard var point = $0.operatingPoints?.points[1] else { return }
            point.labelIndex = 0
            $0.operatingPoints?.points.append(point)
        },
        .remeasured("one name twice", .operatingPoints(.repeatedName, point: 2, value: 0)) { $0.operatingPoints?.points[2].name = "sensitive" },
        .remeasured("default of another name", .operatingPoints(.noDefault, point: 0, value: 1)) { $0.labels.labels[1].operatingPoint = "other" },
        .remeasured("default of another threshold", .operatingPoints(.noDefault, point: 0, value: 1)) { $0.labels.labels[1].threshold = 0.75 },
        .remeasured("first label without a default", .operatingPoints(.noDefault, point: 0, value: 0)) {
            $0.labels.labels[0].threshold = 0.5
            $0.operatingPoints?.points[0].labelIndex = 0
        },
        .remeasured("17 points of a label", .limitExceeded(.operatingPoints, declared: 17, limit: 16)) {
            guard let first = $0.operatingPoints?.points.first else { return }
            $0.operatingPoints?.points = (0..<17).map { index in
                var point = first
                point.name = "point \(index)"
                return point
            }
        },
    ]

    static let statistics: [Malformed] = [
        .resectioned("head of the statistics cut off", .featureStatistics(.byteCount, value: 63)) { $0[8].bytes.removeLast($0[8].bytes.count - 63) },
        .resectioned("statistics too long", .featureStatistics(.byteCount, value: 172)) { $0[8].bytes += [0, 0, 0, 0] },
        .measured("statistics of more values than the head reads", .featureStatistics(.count, value: 9), at: statistic, [9]),
        .measured("statistics of 2^32 - 1 values", .featureStatistics(.count, value: .max), at: statistic, [255, 255, 255, 255]),
        .measured("more directions than values", .featureStatistics(.rank, value: 9), at: statistic + 4, [9]),
        .measured("threshold 0", .featureStatistics(.threshold, value: 0), at: statistic + 8, f32: 0),
        .measured("infinite threshold", .featureStatistics(.threshold, value: Float.infinity.bitPattern), at: statistic + 8, f32: .infinity),
        .measured("negative residual precision", .featureStatistics(.precision, value: Float(-1).bitPattern), at: statistic + 12, f32: -1),
        .measured("false-alarm rate above 1", .featureStatistics(.falseAlarmRate, value: Float(1.5).bitPattern), at: statistic + 16, f32: 1.5),
        .measured("false-alarm rate not a number", .featureStatistics(.falseAlarmRate, value: Float.nan.bitPattern), at: statistic + 16, f32: .nan),
        .measured("reserved bytes of the statistics", .notZero(.featureStatistics, byteOffset: statistic + 63), at: statistic + 63, [1]),
        .measured("mean not finite", .featureStatistics(.mean, value: 7), at: statistic + 64 + 28, f32: .infinity),
        .measured("inverse variance 0", .featureStatistics(.precision, value: 1), at: statistic + 64 + 36, f32: 0),
        .measured("direction too long", .featureStatistics(.direction, value: 0), at: statistic + 64 + 40, f32: 0.61),
        .measured("direction not finite", .featureStatistics(.direction, value: 1), at: statistic + 64 + 72, f32: .nan),
        .remeasured("a plan that ends with a pool", .featureStatistics(.noFeature, value: 8)) {
            $0.operations.removeLast()
            $0.header.outputByteOffset = 1216
            $0.header.outputCount = 8
            $0.golden[0].output = [Float](repeating: 0, count: 8)
        },
        .remeasured("a last layer that does not write the output", .featureStatistics(.noFeature, value: 10)) {
            var last = $0.operations[8]
            last.operation.linear.output.byteOffset = 1296
            $0.operations.append(last)
        },
        .remeasured("a norm over the feature", .featureStatistics(.overwritten, value: 1216)) { $0.normBeforeHead(writing: 1216) },
        .remeasured("the output over the feature", .featureStatistics(.overwritten, value: 1216)) {
            $0.normBeforeHead(writing: 1312)
            $0.operations[9].operation.linear.output.byteOffset = 1216
            $0.header.outputByteOffset = 1216
        },
    ]
}

extension ModelDraft {
    /// Puts a layer norm of the pooled row before the sample's head, which then reads the row at `byteOffset`.
    mutating func normBeforeHead(writing byteOffset: Int) {
        let (input, output) = (Region(byteOffset: 1216, stride: 8), Region(byteOffset: byteOffset, stride: 8))
        let norm = Operation.layerNorm(.init(rows: 1, columns: 8, input: input, output: output, gamma: 5, beta: 6, epsilon: 1e-6))
        operations.insert(NamedOperation(name: "fc_norm", operation: norm), at: 8)
        operations[9].operation.linear.input.byteOffset = byteOffset
    }
}
