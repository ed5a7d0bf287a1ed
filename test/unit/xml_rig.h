/* A reader whose events become lines of text, so that tests compare transcripts. */
#pragma once

#include "xml/reader.h"

struct xml_rig {
	struct xml_reader *reader;
	struct buf log;     /* one line per event, and the error that ended it */
	struct buf payload; /* of the last element */
	uint32_t facts;     /* of the last element */
	int priority;
	unsigned elements;
	enum xml_error error;
	size_t used; /* by the last feeding */
};

extern const struct xml_limits xml_rig_limits;

#define XML_RIG_HEADER                                               \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams' xmlns:f='urn:f' to='example.com'>"

/* limits NULL: xml_rig_limits. An element or root named "stop" makes its callback stop the reader. */
void xml_rig_init(struct xml_rig *g, const char *implied_ns, const struct xml_limits *limits);
void xml_rig_deinit(struct xml_rig *g);
enum xml_error xml_rig_feed(struct xml_rig *g, struct str bytes);
/* Byte by byte, idle between elements if asked. */
enum xml_error xml_rig_drip(struct xml_rig *g, struct str bytes, bool idle);

/* One stream with the header and these bytes under implied jabber:client: the error. */
enum xml_error xml_rig_error_of(struct str bytes, const struct xml_limits *limits);
/* The payload of <message>content</message>, to be freed; fails the test when it is refused. */
char *xml_rig_payload_of(const char *implied_ns, struct str content);
