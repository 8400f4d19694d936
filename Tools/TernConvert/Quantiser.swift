/// How the weights of linear layers are stored.
public enum WeightFormat: String, CaseIterable, Equatable, Sendable {
    case int8, ternary, f32
}

/// A weight matrix as integer codes; weight[n][k] = code[n][k] · scale[n].
struct QuantisedMatrix: Equatable {
    var rows: Int
    var columns: Int
    var codes: [Int8]
    /// One positive value a row.
    var scales: [Float]
}

extension QuantisedMatrix {
    /// INT8 by the largest magnitude of each row: scale = max / 127, code = rne(weight / scale).
    init(int8 matrix: Matrix) {
        self.init(rows: matrix.rows, columns: matrix.columns, codes: [], scales: [])
        codes.reserveCapacity(matrix.values.count)
        for index in 0..<rows {
            let row = matrix.row(index)
            let scale = row.reduce(0) { max($0, $1.magnitude) } / 127
            guard scale >= .leastNormalMagnitude else {
                appendZeroRow()
                continue
            }
            scales.append(scale)
            for weight in row { codes.append(Int8(min(max((weight / scale).rounded(.toNearestOrEven), -127), 127))) }
        }
    }

    /// Codes of rows that already hold only -g, 0 and +g, each magnitude within one unit in the last place of the largest.
    ///
    /// - Throws: `ConvertError.notTernary` at the first row that does not.
    init(ternary matrix: Matrix, layer: String) throws(ConvertError) {
        self.init(rows: matrix.rows, columns: matrix.columns, codes: [], scales: [])
        codes.reserveCapacity(matrix.values.count)
        for index in 0..<rows {
            let row = matrix.row(index)
            let largest = row.reduce(0) { max($0, $1.magnitude) }
            guard largest >= .leastNormalMagnitude else {
                appendZeroRow()
                continue
            }
            guard row.allSatisfy({ $0 == 0 || $0.magnitude >= largest.nextDown }) else {
                let magnitudes = Set(row.map(\.magnitude)).subtracting([0])
                throw .notTernary(layer: layer, row: index, distinctMagnitudes: magnitudes.count)
            }
            scales.append(largest)
            for weight in row { codes.append(weight == 0 ? 0 : weight < 0 ? -1 : 1) }
        }
    }

    private mutating func appendZeroRow() {
        scales.append(1)
        codes.append(contentsOf: repeatElement(0, count: columns))
    }

    /// Multiplies row n by factors[n]: magnitudes go into the scales, a negative sign flips the codes, zero clears the row.
    mutating func fold(_ factors: [Float]) {
        for (index, factor) in factors.enumerated() {
            let row = index * columns..<(index + 1) * columns
            let scale = scales[index] * factor.magnitude
            if scale >= .leastNormalMagnitude {
                scales[index] = scale
                if factor < 0 { for position in row { codes[position] = -codes[position] } }
            } else {
                scales[index] = 1
                for position in row { codes[position] = 0 }
            }
        }
    }

    /// The scales as they are stored: one when all rows share it.
    var storedScales: [Float] { scales.allSatisfy { $0 == scales[0] } ? [scales[0]] : scales }
}
