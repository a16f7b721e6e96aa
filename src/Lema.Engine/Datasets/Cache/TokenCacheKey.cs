using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lema.Engine.Datasets.Batches;

namespace Lema.Engine.Datasets.Cache;

/// <summary>What tokenized rows depend on. Another dataset, tokenizer, template or mask gives another key, so an old cache is never taken for a new one.</summary>
internal static class TokenCacheKey
{
    private const int Version = 1;
    private static readonly string[] ModelFiles = ["tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"];

    /// <param name="settings">Only what changes the tokens of a row counts.</param>
    public static string Of(string file, string modelFolder, DataSettings settings, int maxLength)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        FileInfo data = new(file);
        string dataset = string.Create(CultureInfo.InvariantCulture, $"{Version}\n{data.FullName}\n{data.Length}\n{data.LastWriteTimeUtc.Ticks}\n{settings.Labels}\n{settings.Truncation}\n{maxLength}\n{JsonSerializer.Serialize(settings.ReplyFormat)}");
        hash.AppendData(Encoding.UTF8.GetBytes(dataset));
        foreach (string path in ModelFiles.Select(name => Path.Combine(modelFolder, name)).Where(File.Exists)) hash.AppendData(SHA256.HashData(File.ReadAllBytes(path)));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..32];
    }
}
