/// Models/NUMERICS.md written down once more, straight and slow, from unpacked weights and with no code of the kernels.
enum Reference {
    /// a * b + c rounded once.
    static func fma(_ a: Float, _ b: Float, _ c: Float) -> Float { c.addingProduct(a, b) }

    /// N-01.
    static func tree(_ lanes: [Float]) -> Float {
        var lanes = lanes
        var half = lanes.count / 2
        while half > 0 {
            lanes = (0..<half).map { lanes[$0] + lanes[$0 + half] }
            half /= 2
        }
        return lanes[0]
    }

    /// N-01 of x.
    static func sum16(_ x: [Float]) -> Float {
        var lanes = [Float](repeating: 0, count: 16)
        for (i, value) in x.enumerated() { lanes[i % 16] += value }
        return tree(lanes)
    }

    /// N-01 of fma(a, b).
    static func sum16(_ a: [Float], _ b: [Float]) -> Float {
        var lanes = [Float](repeating: 0, count: 16)
        for i in a.indices { lanes[i % 16] = fma(a[i], b[i], lanes[i % 16]) }
        return tree(lanes)
    }

    /// N-02; nil when not finite.
    static func quantise(_ x: [Float], levels: Int) -> (codes: [Int], scale: Float)? {
        guard x.allSatisfy({ $0.isFinite }) else { return nil }
        let absmax = x.map { abs($0) }.max() ?? 0
        guard absmax >= Float(sign: .plus, exponent: -100, significand: 1) else { return (x.map { _ in 0 }, 0) }
        let r = Float(levels) / absmax
        return (x.map { Int(($0 * r).rounded(.toNearestOrEven)) }, absmax / Float(levels))
    }

    /// N-03: y before GELU and residual; `weights` is one output channel.
    static func linear(_ row: (codes: [Int], scale: Float), _ weights: ArraySlice<Int8>, scale: Float, bias: Float) -> Float {
        let sum = zip(row.codes, weights).reduce(0) { $0 + $1.0 * Int($1.1) }
        return fma(Float(sum), row.scale * scale, bias)
    }

    /// N-05.
    static func layerNorm(_ x: [Float], gamma: [Float], beta: [Float], epsilon: Float) -> [Float] {
        let mean = sum16(x) / Float(x.count)
        let d = x.map { $0 - mean }
        let variance = sum16(d, d) / Float(x.count)
        let t = 1 / (variance + epsilon).squareRoot()
        return d.indices.map { fma(d[$0] * t, gamma[$0], beta[$0]) }
    }

    static let geluCoefficients: [Float] = [
        -0x1.ff635ep-2, 0x1.8acc10p-2, 0x1.a6bd58p-5, -0x1.2cb186p-3, 0x1.edde8ap-5, -0x1.569628p-7, 0x1.66828cp-11,
    ]
    static let exp2Coefficients: [Float] = [0x1.000002p+0, 0x1.62e428p-1, 0x1.ebf918p-3, 0x1.c6b6e6p-5, 0x1.3d0c52p-7, 0x1.5c08e0p-10]
    static let weightCoefficients: [Float] = [0x1.fdf69cp+7, 0x1.619026p+7, 0x1.eeed3cp+5, 0x1.c2335ap+3]

    static func horner(_ coefficients: [Float], _ x: Float) -> Float {
        coefficients.dropLast().reversed().reduce(coefficients[coefficients.count - 1]) { fma($0, x, $1) }
    }

    /// N-07.
    static func gelu(_ x: Float) -> Float {
        let a = min(abs(x), 3.90625)
        return fma(a, horner(geluCoefficients, a), x < 0 ? 0 : x)
    }

    /// N-08; with `weightCoefficients` the E of N-06.
    static func exp2(_ x: Float, _ coefficients: [Float] = exp2Coefficients) -> Float {
        let x = max(x, -125)
        let n = x.rounded(.toNearestOrEven)
        let p = horner(coefficients, x - n)
        return Float(bitPattern: UInt32(truncatingIfNeeded: Int(p.bitPattern) + Int(n) << 23))
    }

    /// N-06 for one head: q [queries][width], k and v [tokens][width].
    static func attention(_ q: [[Float]], _ k: [[Float]], _ v: [[Float]], factor: Float) -> [[Float]]? {
        let width = k[0].count
        var keys = [(codes: [Int], scale: Float)](), values = [(codes: [Int], scale: Float)]()
        for row in k {
            guard let key = quantise(row, levels: 127) else { return nil }
            keys.append(key)
        }
        for d in 0..<width {
            guard let value = quantise(v.map { $0[d] }, levels: 127) else { return nil }
            values.append(value)
        }
        var output = [[Float]]()
        for row in q {
            guard let query = quantise(row, levels: 127) else { return nil }
            let t = keys.map { key in Float(zip(query.codes, key.codes).reduce(0) { $0 + $1.0 * $1.1 }) * key.scale }
            let largest = t.max() ?? 0
            let u = t.map { Int(exp2(($0 - largest) * (query.scale * factor), weightCoefficients).rounded(.toNearestOrEven)) }
            let inverse = 1 / Float(u.reduce(0, +))
            output.append(values.map { value in Float(zip(u, value.codes).reduce(0) { $0 + $1.0 * $1.1 }) * value.scale * inverse })
        }
        return output
    }
}
