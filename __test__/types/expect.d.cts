// `expectType<Wanted>(value)` compiles when the value is of exactly that type.
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export declare function expectType<Wanted>(): <Given>(
  value: Given,
  ...same: Same<Given, Wanted> extends true ? [] : [never]
) => void
