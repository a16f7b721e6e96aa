namespace Lema.Web.Theme;

/// <summary>The browser's choice of dark or light, in a cookie so that the first paint already has it.</summary>
public static class ThemeCookie
{
    public const string Name = "lema-theme";

    /// <summary>True where the cookie says dark, or, without one, where the browser says that the system prefers dark.</summary>
    public static bool IsDark(HttpContext? context) => context?.Request.Cookies[Name] switch
    {
        "dark" => true,
        "light" => false,
        _ => context?.Request.Headers["Sec-CH-Prefers-Color-Scheme"].ToString().Contains("dark", StringComparison.Ordinal) ?? false,
    };
}
