using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LLama.Native;

namespace Lema.Bench.Peers;

/// <param name="Library">The variant of the native library that was loaded.</param>
/// <param name="Settings">The fastest ones.</param>
internal sealed record LlamaGreeting(string Library, string Settings);

/// <summary>The child process of <see cref="LlamaPeer"/>: finds the fastest settings, says so in a line, and answers each line of its input by a reply.</summary>
internal static class LlamaChild
{
    public const string Command = "llama-decode";

    private const int Trials = 2;

    /// <param name="arguments">The .gguf file, the number of new tokens, the tokens of the prompt.</param>
    public static int Run(string[] arguments)
    {
        string file = arguments[0];
        int[] numbers = [.. arguments[1..].Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
        int newTokens = numbers[0];
        int[] prompt = numbers[1..];
        List<string> log = [];
        NativeLibraryConfig.All.WithLogCallback((level, message) =>
        {
            if (level >= LLamaLogLevel.Warning) log.Add(message);
        });
        try
        {
            LlamaTuning best = LlamaTuning.Candidates.MinBy(settings => Seconds(file, settings, prompt, newTokens))!;
            using LlamaDecoder decoder = new(file, best, prompt.Length + newTokens);
            _ = decoder.Decode(prompt, newTokens);
            Console.WriteLine(JsonSerializer.Serialize(new LlamaGreeting(Library(), best.ToString())));
            while (Console.ReadLine() is not null) Console.WriteLine(JsonSerializer.Serialize(decoder.Decode(prompt, newTokens)));
            return 0;
        }
        catch (Exception)
        {
            Console.Error.Write(string.Concat(log));
            throw;
        }
    }

    private static double Seconds(string file, LlamaTuning settings, int[] prompt, int newTokens)
    {
        using LlamaDecoder decoder = new(file, settings, prompt.Length + newTokens);
        return Enumerable.Range(0, Trials).Min(_ => decoder.Decode(prompt, newTokens).SecondsPerToken);
    }

    /// <summary>The folder of the library that computes, which is named after the instructions it is compiled for.</summary>
    private static string Library()
    {
        using Process process = Process.GetCurrentProcess();
        return process.Modules.Cast<ProcessModule>().FirstOrDefault(module => module.ModuleName.Contains("ggml-cpu", StringComparison.Ordinal)) is { } module
            ? Path.GetFileName(Path.GetDirectoryName(module.FileName)!) : "unknown";
    }
}
