namespace Lema.Engine.Datasets.Cache;

/// <summary>
/// The two files of a cache. <c>tokens</c>: row after row, an int32 a token, little-endian; the sign bit is set where the token carries no loss.
/// <c>index</c>: an int32 a row, its number of tokens. The index is renamed into place last, so a cache that has one is whole.
/// </summary>
internal static class TokenCacheFormat
{
    public const string Tokens = "tokens";
    public const string Index = "index";
    private const uint NoLoss = 1u << 31;

    public static int Pack(long id, long label) => label == TokenizedRow.Ignored ? unchecked((int)((uint)id | NoLoss)) : (int)id;

    public static long Id(int packed) => (uint)packed & ~NoLoss;

    public static bool CarriesLoss(int packed) => packed >= 0;
}
