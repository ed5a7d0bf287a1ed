/* See texts.h. table */
#include "edge/texts.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

static const char *const tags[LANG_COUNT] = {[LANG_EN] = "en", [LANG_DE] = "de", [LANG_FR] = "fr"};

static const char *const texts[][LANG_COUNT] = {
    {"Choose a name and a password.", "Wählen Sie einen Namen und ein Passwort.",
	"Choisissez un nom et un mot de passe."},
    {"bind first", "zuerst muss eine Ressource gebunden werden",
	"il faut d'abord lier une ressource"},
    {"data behind starttls", "Daten hinter starttls", "des données suivent starttls"},
    {"data behind the end of authentication", "Daten hinter dem Ende der Anmeldung",
	"des données suivent la fin de l'authentification"},
    {"an element that is too big", "ein Element ist zu groß", "un élément est trop grand"},
    {"too many elements, attributes or names", "zu viele Elemente, Attribute oder Namen",
	"trop d'éléments, d'attributs ou de noms"},
    {"too much behind the request to bind", "zu viel hinter der Bitte um eine Ressource",
	"trop de données suivent la demande de ressource"},
    {"too many refused requests to bind", "zu viele abgelehnte Bitten um eine Ressource",
	"trop de demandes de ressource refusées"},
    {"too many attempts", "zu viele Versuche", "trop de tentatives"},
    {"too many failed authentications", "zu viele misslungene Anmeldungen",
	"trop d'authentifications échouées"},
    {"stream management is on already", "Stream Management ist schon eingeschaltet",
	"la gestion du flux est déjà active"},
    {"an acknowledgement without a count", "eine Bestätigung ohne Zahl",
	"un accusé de réception sans nombre"},
    {"nothing was acknowledged for too long", "zu lange wurde nichts bestätigt",
	"rien n'a été confirmé depuis trop longtemps"},
    {"an id or a language tag that is too long", "eine id oder Sprachangabe ist zu lang",
	"un id ou une langue est trop long"},
    {"no session within the time allowed", "keine Sitzung in der erlaubten Zeit",
	"pas de session dans le temps permis"},
    {"your certificate has expired, or was revoked",
	"Ihr Zertifikat ist abgelaufen oder wurde widerrufen",
	"votre certificat a expiré ou a été révoqué"},
    {"servers are not taken at the moment", "Server werden gerade nicht angenommen",
	"les serveurs ne sont pas acceptés pour le moment"},
    {"nothing was heard for too long", "zu lange war nichts zu hören",
	"aucun signe de vie depuis trop longtemps"},
};

enum lang
texts_lang(struct str tag, enum lang otherwise)
{
	struct str primary, rest;

	str_split(tag, '-', &primary, &rest);
	for (unsigned i = 0; i < LANG_COUNT; i++)
		if (primary.n == strlen(tags[i]) && strncasecmp(primary.p, tags[i], primary.n) == 0)
			return (enum lang)i;
	return otherwise;
}

const char *
texts_tag(enum lang l)
{
	return tags[l];
}

const char *
texts_in(enum lang l, const char *english)
{
	for (size_t i = 0; i < COUNT(texts); i++)
		if (strcmp(texts[i][LANG_EN], english) == 0)
			return texts[i][l];
	return english;
}
