internal import CTernKernels

/// The exponential of Models/NUMERICS.md for the few values that are not in a table's operations.
public enum Exponential {
    /// 2 to the power `x` for x <= 0, N-08; a NaN counts as -125.
    public static func exp2(_ x: Float) -> Float { tern_exp2(x) }
}
