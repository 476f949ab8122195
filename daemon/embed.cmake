# cmake -DINPUT=openapi.json -DOUTPUT=openapi.c -DNAME=rd_openapi_json -DHEADER=daemon/openapi/openapi.h -P embed.cmake
# Makes `const unsigned char NAME[]`, which ends with a NUL, and `const size_t NAME_size` without it.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes
  "${bytes}")
get_filename_component(file ${INPUT} NAME)
file(WRITE ${OUTPUT} "/* made from ${file} */
#include \"${HEADER}\"

const unsigned char ${NAME}[] = {
${bytes}0x00};
const size_t ${NAME}_size = sizeof ${NAME} - 1;
")
