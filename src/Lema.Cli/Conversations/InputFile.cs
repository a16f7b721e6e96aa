using System.Text;
using Lema.Cli.Errors;
using Lema.Cli.Terminals;

namespace Lema.Cli.Conversations;

/// <summary>A text file of this machine, or standard input for <c>-</c>.</summary>
internal static class InputFile
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="CliException">There is no such file, or it is no UTF-8.</exception>
    public static string Read(CliEnvironment environment, string path)
    {
        if (path == "-") return environment.In.ReadToEnd();
        string full = environment.FullPath(path);
        if (!File.Exists(full)) throw new CliException(ExitCode.NotFound, $"There is no file {full}.");
        try
        {
            return File.ReadAllText(full, Strict);
        }
        catch (DecoderFallbackException invalid)
        {
            throw new CliException(ExitCode.InvalidInput, $"{full}: {invalid.Message}", "Save it as UTF-8.");
        }
    }
}
